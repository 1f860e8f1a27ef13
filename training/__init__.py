"""How the models of this project were made."""
