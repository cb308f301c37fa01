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

{# _is_same('a', 'b', ['kind', 'id']) -> a.kind = b.kind and a.id = b.id #}
{% macro _is_same(one, other, columns) -%}
    {%- set pairs = [] -%}
    {%- for column in columns -%} {%- do pairs.append(one ~ '.' ~ column ~ ' = ' ~ other ~ '.' ~ column) -%} {%- endfor -%}
    {{ return(pairs | join(' and ')) }}
{%- endmacro %}

{# is_delivered_once: nothing that the business date delivered had come with an earlier one. `among` is the model
   itself, `key` what its primary key begins with, by which each of the day's rows is looked up: history is not read.
   (With `offset 0` a look-up is no join: the builds are asked of what was found, not looked for one by one.) #}
{% test is_delivered_once(model, among, key) %}
    select
        today.*,
        before.business_date as first_delivered
    from (select {{ key if key is string else (key | join(', ')) }} from {{ model }}) as today
    cross join lateral (
        select min(found.business_date) as business_date
        from (
            select business_date, build_id
            from {{ among }} as earlier
            where {{ _is_same('earlier', 'today', [key] if key is string else key) }}
            offset 0
        ) as found
        where found.build_id = any({{ published_before() }})
    ) as before
    where cardinality({{ published_before() }}) > 0 and before.business_date is not null
{% endtest %}

{# is_known: what a row points to has been delivered, by this business date or an earlier one. In place of
   `relationships` where `to` is history: that would read all of it every day. `field` is what its primary key begins
   with. #}
{% test is_known(model, column_name, to, field) %}
    select pointing.{{ column_name }}
    from (select {{ column_name }} from {{ model }} where {{ column_name }} is not null) as pointing
    where not exists (
        select 1 from {{ to }} as known
        where
            known.{{ field }} = pointing.{{ column_name }}
            and known.build_id = any({{ published_before() }} || {{ var('base_build_id') | int }}::bigint)
    )
{% endtest %}
