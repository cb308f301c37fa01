"""Which listed breaker an expression is: judged by its syntax tree, never by what somebody says of it."""

from __future__ import annotations

from sqlglot import exp

from bankmart.governance.grades.grade import Breakers

# They say yes or no.
ASKING = (exp.Predicate, exp.Connector, exp.Not, exp.Exists, exp.LogicalOr, exp.LogicalAnd)
WRAPPING = (exp.Paren, exp.Cast, exp.TryCast, exp.Alias, exp.Filter, exp.Max, exp.Min)
# They take some rows and leave others: what is left may be one customer's.
CHOOSING = (*ASKING, exp.Case, exp.If, exp.Nullif, exp.Query)


def is_token(tree: exp.Expr, said: Breakers) -> bool:
    """A keyed token: a call of one of the listed functions, and nothing around it."""
    return isinstance(tree, exp.Anonymous) and str(tree.this).lower() in said.token_functions


def is_bucket(tree: exp.Expr, said: Breakers) -> bool:
    """Whether an expression can only give a few fixed values: yes or no, or one of the constants that stand in it."""
    if isinstance(tree, exp.Ntile):
        return is_constant(tree.this) and int(tree.this.name or 0) <= said.bucket_values
    if isinstance(tree, exp.Window):
        return is_bucket(tree.this, said)
    values = _values(tree)
    return values is not None and 0 < values <= said.bucket_values and not is_constant(tree)


def is_constant(tree: exp.Expr | None) -> bool:
    """A value that stands in the SQL itself, whatever it is cast to."""
    while isinstance(tree, exp.Paren | exp.Cast | exp.Neg):
        tree = tree.this
    return isinstance(tree, exp.Literal | exp.Null | exp.Boolean)


def is_crowd(select: exp.Expr, customer: frozenset[str], said: Breakers) -> bool:
    """Whether each row of a select is made of at least k customers: it groups by no customer and counts them.

    That is: `having count(distinct customer_id) >= k`, with k no smaller than the listed one. `customer`: the names of
    the columns that say whose a row is.
    """
    having, group = select.args.get("having"), select.args.get("group")
    if having is None:
        return False
    grouped = {column.name for key in (group.expressions if group else ()) for column in key.find_all(exp.Column)}
    return not grouped & customer and any(_counts(part, customer, said) for part in _all_of(having.this))


def is_of_all(tree: exp.Expr, said: Breakers) -> bool:
    """Whether an aggregate is made of all its rows and shows no single one: a listed one, over no choice of them.

    A function over a window is none: its rows are those of the result.
    """
    if not isinstance(tree, exp.AggFunc) or not said.crowd_aggregates & {name.lower() for name in tree.sql_names()}:
        return False
    chosen = isinstance(tree.parent, exp.Filter | exp.Window) and tree.arg_key == "this"
    return not chosen and tree.find(*CHOOSING) is None


def _counts(tree: exp.Expr, customer: frozenset[str], said: Breakers) -> bool:
    allowed: dict[type[exp.Expr], int] = {exp.GTE: 0, exp.GT: 1}
    least = allowed.get(type(tree))
    if least is None or not isinstance(tree.expression, exp.Literal) or tree.expression.is_string:
        return False
    counted = tree.this
    if not isinstance(counted, exp.Count) or not isinstance(counted.this, exp.Distinct):
        return False
    names = [each.name for each in counted.this.expressions if isinstance(each, exp.Column)]
    is_customer = len(names) == len(counted.this.expressions) == 1 and names[0] in customer
    return is_customer and int(tree.expression.name) + least >= said.crowd_customers


def _all_of(tree: exp.Expr) -> list[exp.Expr]:
    while isinstance(tree, exp.Paren):
        tree = tree.this
    return [*_all_of(tree.left), *_all_of(tree.right)] if isinstance(tree, exp.And) else [tree]


def _values(tree: exp.Expr | None) -> int | None:
    # How many values it may give at most; None where that is not known.
    if tree is None or is_constant(tree):
        return 1
    if isinstance(tree, ASKING):
        return 2
    if isinstance(tree, WRAPPING):
        return _values(tree.this)
    if isinstance(tree, exp.Case):
        return _sum([*(branch.args["true"] for branch in tree.args["ifs"]), tree.args.get("default")])
    if isinstance(tree, exp.Coalesce):
        return _sum([tree.this, *tree.expressions])
    return None


def _sum(trees: list[exp.Expr | None]) -> int | None:
    counts = [_values(tree) for tree in trees]
    return None if None in counts else sum(count for count in counts if count)
