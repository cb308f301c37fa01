select
    as_of_date,
    customer_id,
    {{- wide_columns('feature') }}
    {{ build_columns() }}
from {{ joined_indicators(indicator_models()) }}
