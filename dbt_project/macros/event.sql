{# What the marts of events ask of what was delivered and of what was there before. #}

{# last_published_date() -> the business date before this one that readers have; null for the first #}
{% macro last_published_date() -%}
    (
        select max(publication.business_date)
        from governance.publication
        where publication.business_date < {{ business_date() }}
    )
{%- endmacro %}

{# loses_no_delivered_row: every row that the business date delivered is in the model. What is not has no owner: its
   account, card or contract is unknown. #}
{% test loses_no_delivered_row(model, delivered) %}
    select
        came.row_count as delivered_count,
        kept.row_count as kept_count
    from (select count(*) as row_count from {{ delivered }} where business_date = {{ business_date() }}) as came
    cross join (select count(*) as row_count from {{ model }}) as kept
    where came.row_count <> kept.row_count
{% endtest %}

{# is_delivered_once: nothing that the business date delivered had come with an earlier one. `among` is the model
   itself, `key` the number of the event, by which it is looked up. #}
{% test is_delivered_once(model, among, key) %}
    select
        today.{{ key }},
        before.business_date as first_delivered
    from (select {{ key }} from {{ model }}) as today
    cross join lateral (
        select min(earlier.business_date) as business_date
        from {{ among }} as earlier
        where earlier.{{ key }} = today.{{ key }} and earlier.build_id = any({{ published_before() }})
    ) as before
    where cardinality({{ published_before() }}) > 0 and before.business_date is not null
{% endtest %}
