"""The dashboard's script and the application that serves it, for `streamlit run app.py` and `uvicorn app:app`."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:  # imported by a server
    from api.asgi import Site
    from api.pages.approval_link import LinkPages
    from api.pages.form import FormPages
    from api.pages.hook import HookPages
    from api.server import create_api
    from dashboard.base.app_route import app_routes
    from dashboard.base.bundles_route import bundle_routes
    from dashboard.find_route import find_routes
    from dashboard.form.page import rendered
    from dashboard.live_route import live_routes
    from engine import shared
    from engine.runs.answer_page import AnswerPage, AnswerView

    def answer_page(view: AnswerView) -> AnswerPage:
        """Return the page behind an answer link; its modules are imported once somebody opens one."""
        from dashboard.approvals.answer_page import rendered as shown

        return shown(view)

    site = Site(shared, create_api(shared), app_routes())
    forms = FormPages(shared, rendered).routes()
    hooks = HookPages(shared).routes()
    links = LinkPages(shared, answer_page).routes()
    routes = [*site.routes(), *forms, *hooks, *links, *live_routes(shared), *find_routes(shared), *bundle_routes()]
    app = st.App(__file__, lifespan=site.lifespan, routes=routes, middleware=site.middleware())
else:  # run as the script of a browser's session, or by AppTest
    from dashboard.main import main
    from engine import shared

    main(shared())
