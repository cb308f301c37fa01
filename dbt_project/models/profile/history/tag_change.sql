-- Changes only. One line per model whose tags are kept: dbt has to know what to wait for.
-- depends_on: {{ ref('tag_channel') }}
-- depends_on: {{ ref('tag_channel_mobile') }}
-- depends_on: {{ ref('tag_contact') }}
-- depends_on: {{ ref('tag_contact_load') }}
-- depends_on: {{ ref('tag_demographic') }}
-- depends_on: {{ ref('tag_event_date') }}
-- depends_on: {{ ref('tag_event_money') }}
-- depends_on: {{ ref('tag_habit') }}
-- depends_on: {{ ref('tag_life_cycle') }}
-- depends_on: {{ ref('tag_model') }}
-- depends_on: {{ ref('tag_model_offer') }}
-- depends_on: {{ ref('tag_model_value') }}
-- depends_on: {{ ref('tag_product') }}
-- depends_on: {{ ref('tag_product_gap') }}
-- depends_on: {{ ref('tag_response') }}
-- depends_on: {{ ref('tag_risk') }}
-- depends_on: {{ ref('tag_risk_credit') }}
-- depends_on: {{ ref('tag_service') }}
-- depends_on: {{ ref('tag_spending') }}
-- depends_on: {{ ref('tag_value') }}
-- depends_on: {{ ref('tag_value_rank') }}
select
    customer_id,
    tag,
    value,
    {{ business_date() }} as valid_from,
    {{ build_columns() }}
from (
    {{ tag_changes(tag_models()) }}
) as changed
-- In the order of the key: each of its pages is visited once.
order by customer_id, tag
