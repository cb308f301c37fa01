-- Changes only. One line per model whose tags are kept: dbt has to know what to wait for.
-- depends_on: {{ ref('tag_channel') }}
-- depends_on: {{ ref('tag_demographic') }}
-- depends_on: {{ ref('tag_habit') }}
-- depends_on: {{ ref('tag_life_cycle') }}
-- depends_on: {{ ref('tag_product') }}
-- depends_on: {{ ref('tag_service') }}
-- depends_on: {{ ref('tag_value') }}
select
    customer_id,
    tag,
    value,
    {{ business_date() }} as valid_from,
    {{ build_columns() }}
from (
    {{ tag_changes(tag_models()) }}
) as changed
