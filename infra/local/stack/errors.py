"""The one error that people see."""


class StackError(Exception):
    """Something a person can put right: `what` happened, and what `todo` about it."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what}\n  What to do: {self.todo}"
