"""Work that is killed at named places, and what an installation holds afterwards."""
