"""What can go wrong around accounts, in words for people."""

from chat.kernel.errors import Problem


class AddressTaken(Problem):
    """There is an account with this e-mail address. Only the operator's command says so; pages answer the same either way."""

    status = 409
    code = "address_taken"
