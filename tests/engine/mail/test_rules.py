"""When a rule matches a mail: what is compared, and what a sender cannot choose."""

from __future__ import annotations

from typing import Any

import pytest

from engine.mail.rules import CONDITIONS, MailRule, RuledMail, condition_fault, first_rule

SENDER = "News <news@shop.example>"


def mail(sender: str = SENDER, list_id: str = "", subject: str = "", dmarc: str = "") -> RuledMail:
    found = RuledMail.of(
        {
            "from": sender,
            "subject": subject,
            "list": {"id": list_id},
            "authentication": {"dmarc": dmarc},
        }
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("when", "given", "matches"),
    [
        pytest.param({"from": "news@shop.example"}, mail(), True, id="address"),
        pytest.param({"from": "NEWS@Shop.EXAMPLE"}, mail("<News@SHOP.example>"), True, id="case of an address"),
        pytest.param({"from": "Shop <news@shop.example>"}, mail(), True, id="address copied with a name"),
        pytest.param({"from": "shop.example"}, mail(), True, id="domain"),
        pytest.param({"from": "@shop.example"}, mail(), True, id="domain with at"),
        pytest.param({"from": "shop.example"}, mail("a@eshop.example"), False, id="end of another domain"),
        pytest.param({"from": "shop.example"}, mail("a@mail.shop.example"), False, id="below the domain"),
        pytest.param({"from": "shop.example"}, mail("a@shop.example.evil.example"), False, id="begin of a domain"),
        pytest.param({"from": "bücher.example"}, mail("a@xn--bcher-kva.example"), True, id="international domain"),
        pytest.param({"from": "a@xn--bcher-kva.example"}, mail("A <a@BÜCHER.example>"), True, id="and the other way"),
        pytest.param({"from": "faß.example"}, mail("a@xn--fa-hia.example"), True, id="international domain with ß"),
        pytest.param({"from": "straße.example"}, mail("a@strasse.example"), False, id="domain with ss for ß"),
        pytest.param({"from": "strasse.example"}, mail("a@straße.example"), False, id="domain with ß for ss"),
        pytest.param({"from": "groß@shop.example"}, mail("gross@shop.example"), False, id="another mailbox"),
        pytest.param({"from": "news@shop.example"}, mail('"news@shop.example" <x@evil.example>'), False, id="name"),
        pytest.param({"from": "news@shop.example"}, mail("x@evil.example (news@shop.example)"), False, id="comment"),
        pytest.param({"from": "shop.example"}, mail(f"{SENDER}, x@evil.example"), False, id="two senders"),
        pytest.param({"from": "shop.example"}, mail(f"{SENDER}, x@shop.example"), False, id="two of the domain"),
        pytest.param(
            {"from": "news@shop.example, x@shop.example"}, mail(f"{SENDER}, x@shop.example"), False, id="both senders"
        ),
        pytest.param({"from": "news@shop.example"}, mail("news"), False, id="no address"),
        pytest.param({"from": "news@shop.example"}, mail(""), False, id="no sender"),
        pytest.param({"from": "news"}, mail("news"), False, id="neither address nor domain"),
        pytest.param({"from": "shop.example"}, mail(dmarc="fail"), False, id="forged"),
        pytest.param({"from": "shop.example"}, mail(dmarc="none"), True, id="nobody can tell"),
        pytest.param({"list": "ports.lists.example"}, mail(list_id="Ports.Lists.example"), True, id="list"),
        pytest.param(
            {"list": "Ports <ports.lists.example>"}, mail(list_id="ports.lists.example"), True, id="list name"
        ),
        pytest.param({"list": "lists.example"}, mail(list_id="ports.lists.example"), False, id="part of a list"),
        pytest.param({"list": "ports"}, mail(), False, id="from no list"),
        pytest.param({"list": " "}, mail(), False, id="empty list"),
        pytest.param({"list": "<>"}, mail(), False, id="empty brackets"),
        pytest.param({"list": "a.example"}, mail(list_id="a.example", dmarc="fail"), True, id="lists change mails"),
        pytest.param({"subject_is": "Weekly  report"}, mail(subject=" weekly report "), True, id="subject"),
        pytest.param({"subject_is": "Weekly"}, mail(subject="Weekly report"), False, id="part of a subject"),
        pytest.param({"subject_contains": "STRASSE"}, mail(subject="Die Straße"), True, id="case of letters"),
        pytest.param({"subject_contains": "caf\u00e9"}, mail(subject="Cafe\u0301"), True, id="accents"),
        pytest.param({"subject_contains": "a.c"}, mail(subject="abc"), False, id="no pattern"),
        pytest.param({"subject_contains": ""}, mail(subject="abc"), False, id="empty subject"),
        pytest.param({"from": "shop.example", "subject_is": "a"}, mail(subject="a"), True, id="both"),
        pytest.param({"from": "shop.example", "subject_is": "a"}, mail(subject="b"), False, id="only one"),
        pytest.param({}, mail(), False, id="no condition"),
    ],
)
def test_a_rule_matches_if_all_of_its_conditions_do(when: dict[str, str], given: RuledMail, matches: bool) -> None:
    assert MailRule(when, {"kind": "other"}).matches(given) is matches


@pytest.mark.parametrize(
    "value",
    [None, "text", [], {}, {"from": None}, {"subject": "a"}],
    ids=["none", "text", "list", "{}", "null", "other"],
)
def test_what_is_no_mail_has_no_rules(value: Any) -> None:
    assert RuledMail.of(value) is None


def test_members_of_other_types_count_as_empty() -> None:
    assert RuledMail.of({"from": "a", "subject": 3, "list": [], "authentication": "x"}) == RuledMail("a", "", "", False)


def test_the_first_rule_that_matches_answers() -> None:
    rules = [
        MailRule({"from": "other.example"}, {"kind": "a"}),
        *(MailRule({"from": "shop.example"}, {"kind": one}) for one in "bc"),
    ]
    found = first_rule(rules, mail())
    assert found is not None
    assert found.answer == {"kind": "b"}
    assert first_rule(rules[:1], mail()) is None


@pytest.mark.parametrize("name", [*CONDITIONS])
def test_an_empty_condition_is_a_fault(name: str) -> None:
    assert condition_fault(name, " \t") is not None
    assert condition_fault(name, "a@shop.example") is None


@pytest.mark.parametrize(
    "text",
    ["*@example.org", "*.example.org", ".example.org", "@*.example.org", "a@-bad-.org", "a@.org", "a@b..org", "☃!.org"],
)
def test_a_sender_is_no_pattern_and_its_domain_can_exist(text: str) -> None:
    fault = condition_fault("from", text)
    assert fault is not None
    assert fault[0] == f"'The sender is' takes a mail address or a domain, not {text!r}."


@pytest.mark.parametrize(
    "text",
    ["a@localhost", "a@[192.0.2.1]", "@bücher.example", "A <a@Faß.example>", '"a b"@x.example', "a@x_y.example"],
)
def test_a_sender_may_have_any_domain_that_can_exist(text: str) -> None:
    assert condition_fault("from", text) is None


def test_a_sender_is_an_address_or_a_domain() -> None:
    fault = condition_fault("from", "News")
    assert fault is not None
    assert "takes a mail address or a domain, not 'News'" in fault[0]
    assert "as the mail shows it" in fault[1]
    assert condition_fault("subject_is", "{{ inputs.a }}") is not None
