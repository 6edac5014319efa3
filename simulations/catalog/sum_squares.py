"""Sum of squares: the smallest simulation there can be. Copy me."""

from pydantic import BaseModel, Field

from simulations.base import Context, simulation


class SumSquaresParams(BaseModel, extra="forbid"):
    n: int = Field(10, ge=1, le=10_000, title="Terms", description="How many squares to add.")


class SumSquaresResult(BaseModel):
    total: int = Field(title="Sum of the squares", json_schema_extra={"headline": True})


@simulation("demo.sum_squares", title="Sum of squares", leaves_nothing=True)
def run(params: SumSquaresParams, context: Context) -> SumSquaresResult:
    """Adds 1² + 2² + … + n²: shows what a simulation is made of."""
    total = 0
    for i in range(1, params.n + 1):
        total += i * i
        context.report(i / params.n, f"term {i} of {params.n}", total=total)
    return SumSquaresResult(total=total)
