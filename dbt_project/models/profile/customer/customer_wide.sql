select
    customer_id,
    {{- wide_columns() }}
    {{ build_columns() }}
from {{ joined_indicators(indicator_models()) }}
where as_of_date = {{ business_date() }}
