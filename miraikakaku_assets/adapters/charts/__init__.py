"""Drawing: PNGs below 100 KB for run metadata and messages. No figure is computed here that is not drawn."""
