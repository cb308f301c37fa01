-- Changes only. One line per model whose tags are kept: dbt has to know what to wait for.
-- depends_on: {{ ref('tag_channel') }}
-- depends_on: {{ ref('tag_demographic') }}
-- depends_on: {{ ref('tag_habit') }}
-- depends_on: {{ ref('tag_life_cycle') }}
-- depends_on: {{ ref('tag_product') }}
-- depends_on: {{ ref('tag_service') }}
-- depends_on: {{ ref('tag_value') }}
{%- set tagged = tag_models() %}
{%- if previous_is_there() %}
with changed as (
    {%- for each in tagged %}
    {{ tag_changes_of(each) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
)
{%- else %}
-- The state before was dropped, or there is none: what was known is in the history itself.
with known as (
    select distinct on (customer_id, tag)
        customer_id,
        tag,
        value
    from {{ earlier(this) }} as recorded
    order by customer_id, tag, valid_from desc
),

held as (
    {%- for each in tagged %}
    {{ tags_of(each) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

changed as (
    select
        coalesce(held.customer_id, known.customer_id) as customer_id,
        coalesce(held.tag, known.tag) as tag,
        held.value
    from held
    full join known on held.customer_id = known.customer_id and held.tag = known.tag
    where held.value is distinct from known.value
)
{%- endif %}

select
    customer_id,
    tag,
    value,
    {{ business_date() }} as valid_from,
    {{ build_columns() }}
from changed
