"""The web dashboard: Streamlit pages, one file each, over use cases and read stores; no SQL here."""
