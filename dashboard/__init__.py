"""Streamlit views."""
