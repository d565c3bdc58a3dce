"""Use cases of bulk jobs: accepted, watched over, paused, shown. How bars are collected belongs to `collection`."""
