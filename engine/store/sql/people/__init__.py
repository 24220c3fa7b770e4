"""People in `state.db`: users, their sign-ins, and the audit trail."""
