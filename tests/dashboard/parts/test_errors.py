from __future__ import annotations

from dashboard.parts.errors import message_markdown


def test_a_message_is_shown_letter_by_letter_and_the_commands_of_a_remedy_as_code() -> None:
    message, remedy = message_markdown("It says `rm`.", "Run `orchestra fmt`.").split("  \n")
    assert message == r"It says \`rm\`\."
    assert remedy == r"Run `orchestra fmt`\."
    assert message_markdown("Only this") == "Only this"
