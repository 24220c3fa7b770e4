"""The dashboard: Streamlit pages over `engine.Orchestra`; a page is one file of `dashboard/views/`."""
