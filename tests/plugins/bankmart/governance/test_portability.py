"""SQL that Spark has passes; what it doesn't have is named."""

from bankmart.governance import portability


def test_what_does_not_pass_is_named():
    compiled = {
        "plain": "select a::text as b, count(*) filter (where a > 1) as c from d group by a",
        "broken": "select from where",
    }
    obstacles = portability.obstacles(compiled)
    assert "plain" not in obstacles
    assert obstacles["broken"]
