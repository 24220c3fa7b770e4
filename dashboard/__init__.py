"""The dashboard: Streamlit pages over `engine.Orchestra`; a page is one file of `views/`.

Begin with `main.py` and a small page, such as `views/triggers.py`. `base/` has what all pages use: text from outside
(`base/plain.py`, `base/prose.py`) and languages. `parts/` has pieces of several pages. The canvas is written in React
(`frontend/studio`) and speaks to `api/`. Most fields have `persist_state="session"`: Streamlit forgets what a field
holds once it is not drawn, as on another tab.

May import `engine` and what `clients` declares; decides nothing. Used by `app.py`.
"""
