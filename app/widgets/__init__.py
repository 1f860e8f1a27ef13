"""What pages share: each module shows one thing."""
