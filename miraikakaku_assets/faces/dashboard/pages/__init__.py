"""The pages, one file each; `registry` collects every module here that has a `PAGE`."""
