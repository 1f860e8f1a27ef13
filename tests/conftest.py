"""What holds for every test."""

from hypothesis import settings

# a slow or shared machine is no error; what takes too long is caught by the timeout of each test
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
