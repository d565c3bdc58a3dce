"""The web dashboard: Streamlit pages, one file each, over use cases and read stores. No SQL, no arithmetic on prices."""
