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


def test_every_model_is_compiled_and_looked_at(warehouse):
    compiled = portability.compiled_models()
    assert "customer_360" in compiled
    assert [name for name, code in compiled.items() if not code or "{{" in code] == []
    obstacles = portability.obstacles(compiled)
    assert set(obstacles) < set(compiled)
    for name, obstacle in obstacles.items():
        print(f"{name}: {obstacle[:300]}")
