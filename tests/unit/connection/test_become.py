"""Who answers a become program, and what its refusals mean."""

from __future__ import annotations

import pytest

from nxtplay.connection import become
from nxtplay.connection.become import PROMPT, Dialog, Escalation
from nxtplay.core.state import Secret


class Program:
    """Remembers what it was told."""

    def __init__(self, escalation: Escalation) -> None:
        self.told: list[bytes] = []
        self.ended = False
        self.printed = ""
        self.dialog = Dialog(escalation, answer=self.told.append, end=self._end)

    def _end(self) -> None:
        self.ended = True

    def prints(self, text: str) -> None:
        self.printed += text
        self.dialog.heard(self.printed)


def test_sudo_is_answered_once_and_at_its_prompt_alone() -> None:
    program = Program(Escalation(password=Secret("pw")))
    program.prints("We trust you have received the usual lecture. password: ")
    assert program.told == []
    program.prints(PROMPT)
    program.prints("\nsome warning: ")
    assert program.told == [b"pw\n"]
    assert not program.ended


def test_a_second_question_is_a_wrong_password() -> None:
    program = Program(Escalation(password=Secret("pw")))
    program.prints(PROMPT)
    program.prints("\nSorry, try again.\n" + PROMPT)
    assert program.told == [b"pw\n"]
    assert program.ended
    assert program.dialog.problem == "Incorrect sudo password"


@pytest.mark.parametrize("prompt", ["Password: ", "Passwort: ", "Mot de passe :\u00a0", "パスワード："])
def test_su_is_answered_in_any_language(prompt: str) -> None:
    program = Program(Escalation(method="su", password=Secret("pw")))
    program.prints(prompt)
    program.prints("\nlater: ")
    assert program.told == [b"pw\n"]


def test_a_question_without_an_answer_ends_it() -> None:
    program = Program(Escalation(method="su"))
    program.prints("Password: ")
    assert program.ended
    assert "-K" in program.dialog.problem


def test_the_prompt_is_no_other_run_s() -> None:
    assert len(PROMPT) > 20
    assert become.wrap(["id"], Escalation(password=Secret("pw")))[:6] == ["sudo", "-H", "-S", "-p", PROMPT, "-u"]


def test_no_password_in_the_words() -> None:
    for method in become.METHODS:
        assert "hush" not in " ".join(become.wrap(["id"], Escalation(method=method, password=Secret("hush"))))


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("sudo: 3 incorrect password attempts", "Incorrect sudo password"),
        ("sudo: a password is required", "Missing sudo password: -K"),
        ("ann is not in the sudoers file.  This incident will be reported.", "may not use sudo"),
        ("sudo: sorry, you must have a tty to run sudo", "requiretty"),
        ("sudo: unknown user: zorro", "no such become user"),
        ("su: user zorro does not exist or the user entry does not contain all the required fields", "no such become user"),
        ("bash: line 1: doas: command not found", "not installed"),
        ("doas: a tty is required", "permit nopass"),
    ],
)
def test_refusals(said: str, meaning: str) -> None:
    assert meaning in (become.explain(said, "sudo") or "")


def test_something_else_is_not_explained_away() -> None:
    assert become.explain("Segmentation fault", "sudo") is None


def test_a_command_that_speaks_of_passwords_itself_was_run() -> None:
    assert become.refused("sudo: a password is required\n", "sudo") == "Missing sudo password: -K, or ansible_become_password"
    assert become.refused("Password: su: Authentication failure\n", "su") == "Incorrect su password"
    assert become.refused("login: authentication failure\n", "su") is None
    assert become.refused("trying\nsudo: a password is required\n", "sudo") is None


def test_flags_that_forbid_the_question_give_way_to_a_password() -> None:
    for flags in ("-H -S -n", "-HSn", "--non-interactive"):
        words = become.wrap(["id"], Escalation(password=Secret("pw"), flags=flags))
        assert not {"-n", "-HSn", "--non-interactive"} & set(words)
