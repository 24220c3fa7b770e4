"""Names in the description of the API that clients have generated code from before their routes were derived.

A route that is derived from the start needs no row: its `operationId` is the name of its operation (`tables_save`), and
its models are named after it (`TablesSaveSent`, `TablesSaveAnswer`) or after the record that it answers with.
"""

from __future__ import annotations

from collections.abc import Mapping

_KEPT: Mapping[str, str] = {
    "tables_list": "list_tables",
    "tables_rows": "list_rows",
    "tables_save": "save_row",
    "tables_delete": "delete_row",
    "tables_drop": "drop_table",
    "collections_list": "list_collections",
    "collections_show": "show_collection",
    "collections_documents": "list_documents",
    "collections_passages": "list_passages",
    "collections_search": "search_collection",
    "collections_forget_vectors": "forget_vectors",
    "collections_delete": "delete_document",
    "collections_drop": "drop_collection",
    "tokens_create": "make_token",
    "tokens_list": "list_tokens",
    "tokens_revoke": "revoke_token",
    "users_list": "list_users",
    "users_set_role": "set_role",
    "users_remove": "remove_user",
    "users_set_password": "set_password",
    "users_sessions": "list_sessions",
    "users_end_session": "end_session",
    "users_sign_out": "sign_out",
    "users_login_link": "make_login_link",
    "budgets_list": "get_budgets",
    "budgets_resume": "resume_paused",
    "usage_report": "get_usage",
    "workers_list": "get_workers",
    "agents_list": "all_agents",
    "tools_list": "list_tools",
    "TableSize": "TableDocument",
    "TableRow": "RowDocument",
    "TableRows": "RowList",
    "TablesSaveSent": "RowBody",
    "TablesDeleteAnswer": "DeletedRows",
    "TablesDropAnswer": "DeletedRows",
    "Collection": "CollectionDocument",
    "StoredDocument": "IndexedDocument",
    "PassageHit": "PassageDocument",
    "Answers": "ResultList",
    "CollectionsListAnswer": "CollectionList",
    "CollectionsDocumentsAnswer": "IndexedList",
    "CollectionsPassagesAnswer": "PassageList",
    "CollectionsForgetVectorsAnswer": "VectorsGone",
    "CollectionsDeleteAnswer": "DocumentsGone",
    "CollectionsDropAnswer": "DocumentsGone",
    "UsersListAnswer": "MemberRows",
    "UsersSetRoleSent": "NewRole",
    "UsersSetPasswordSent": "NewPassword",
    "OpenSession": "SessionView",
    "UsersSessionsAnswer": "SessionRows",
    "UsersSignOutAnswer": "EndedSessions",
    "BudgetsResumeAnswer": "ResumedRuns",
    "AgentSummary": "AgentDocument",
    "AgentTool": "AgentToolDocument",
    "AgentsListAnswer": "AgentList",
    "ToolInfo": "ToolDocument",
    "ToolsListAnswer": "ToolList",
    "ApiToken": "TokenView",
    "NewToken": "MadeToken",
    "TokensListAnswer": "TokenRows",
    "TokensCreateSent": "NewApiToken",
}


def known_as(name: str) -> str:
    """Return the name by which clients know an operation or a model."""
    return _KEPT.get(name, name)
