"""LSEG Data as a source of the LME's official prices; its library is no dependency of this project."""
