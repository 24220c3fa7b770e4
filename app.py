"""The dashboard's script and, at once, the application that serves it; `streamlit run app.py` and `uvicorn app:app`."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:  # imported by a server
    from api.asgi import Site
    from engine import shared

    site = Site(shared)
    app = st.App(__file__, lifespan=site.lifespan, routes=site.routes(), middleware=site.middleware())
else:  # run as the script of a browser's session, or by AppTest
    from dashboard.main import main

    main()
