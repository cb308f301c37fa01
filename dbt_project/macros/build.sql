{# The build: one business date, one try. Every row below staging says which build wrote it. #}

{# business_date() -> date '2026-10-31' #}
{% macro business_date() -%}
    {%- set value = var('business_date') -%}
    {%- if execute and not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', value | string) -%}
        {{ exceptions.raise_compiler_error("var business_date is '" ~ value ~ "': give an ISO date, as `bankmart build` does") }}
    {%- endif -%}
    date '{{ value }}'
{%- endmacro %}

{# build_id() -> 12::bigint #}
{% macro build_id() -%}
    {{ var('build_id') | int }}::bigint
{%- endmacro %}

{# build_columns() -> date '2026-10-31' as business_date, 12::bigint as build_id #}
{% macro build_columns() -%}
    {{ business_date() }} as business_date,
    {{ build_id() }} as build_id
{%- endmacro %}

{# _relation('ind_balance') -> its relation; _relation(this) -> this #}
{% macro _relation(model) -%}
    {{ return(ref(model) if model is string else model) }}
{%- endmacro %}

{# _written_by('ind_balance', 12) -> the rows that build 12 wrote. Those of a state are read from their own partition:
   only there does the planner know how many and how mixed they are. So are those of a view of one state: with the build
   said too, all of a row's key is known, and Postgres (from 18) reads several such views of a customer in one scan. #}
{% macro _written_by(model, build) -%}
    {%- set relation = _relation(model) -%}
    {%- set node = none if not execute or not build or relation.is_cte else _node(relation.identifier) -%}
    {%- set home = _node(home_of(node.name)) if node and node.config.meta.get('families') else node -%}
    {%- set part = part_of(_place(home), build) if home and home.config.materialized == 'state' -%}
    {%- if part and load_relation(part) is not none -%}
        {%- if home == node -%}
        (select * from {{ part }})
        {%- else -%}
        (select {{ subject_columns(node) }} from {{ part }} where build_id = {{ build }}::bigint)
        {%- endif -%}
    {%- else -%}
        (select * from {{ relation }} where build_id = {{ build }}::bigint)
    {%- endif -%}
{%- endmacro %}

{# current('ind_balance') -> the rows that this build wrote #}
{% macro current(model) -%}
    {{ _written_by(model, var('build_id') | int) }}
{%- endmacro %}

{# state('int_account') -> its rows as this business date's whole build has them
   (a training build stands on the published build of its date) #}
{% macro state(model) -%}
    {{ _written_by(model, var('base_build_id') | int) }}
{%- endmacro %}

{# previous('int_account') -> its rows in the published build of the business date before this one: none where
   stands_on_previous('int_account') is false #}
{% macro previous(model) -%}
    {{ _written_by(model, var('previous_build_id') | int) }}
{%- endmacro %}

{# history('fct_transaction') -> its rows of every published earlier date, and of this date's own build #}
{% macro history(model) -%}
    (
        select * from {{ _relation(model) }}
        where
            build_id = {{ var('base_build_id') | int }}::bigint
            or build_id in (
                select publication.build_id
                from governance.publication
                where publication.business_date < {{ business_date() }}
            )
    )
{%- endmacro %}

{# earlier('dim_customer') -> its rows of every published earlier date #}
{% macro earlier(model) -%}
    (
        select * from {{ _relation(model) }}
        where build_id in (
            select publication.build_id
            from governance.publication
            where publication.business_date < {{ business_date() }}
        )
    )
{%- endmacro %}

{# published_before() -> (array[4, 5]: the builds of every published earlier date), found once however often it is asked:
   for looking rows up one by one, where `earlier` would join the publications each time #}
{% macro published_before() -%}
    array(
        select publication.build_id
        from governance.publication
        where publication.business_date < {{ business_date() }}
    )
{%- endmacro %}

{# as_of_dates() -> (values (date '2026-09-30'), (date '2026-10-31')) as as_of (as_of_date) #}
{% macro as_of_dates() -%}
    (
        values
        {%- for day in var('as_of_dates') or [var('business_date')] %}
        {%- if execute and not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', day | string) -%}
            {{ exceptions.raise_compiler_error("var as_of_dates holds '" ~ day ~ "': give ISO dates") }}
        {%- endif %}
        (date '{{ day }}'){{ "," if not loop.last }}
        {%- endfor %}
    ) as as_of (as_of_date)
{%- endmacro %}

{# delivered('mobile.session') -> true, where the table has ever brought a row up to this business date #}
{% macro delivered(table) -%}
    {{ 'true' if table in var('delivered') else 'false' }}
{%- endmacro %}

{# if_delivered('mobile.session', 'session.session_count_30d') -> 0 for a customer without rows; null where the table
   that would say so has never brought a row #}
{% macro if_delivered(table, expression) -%}
    {% if table in var('delivered') -%} coalesce({{ expression }}, 0) {%- else -%} {{ expression }} {%- endif %}
{%- endmacro %}
