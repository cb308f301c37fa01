{# ind_all: every indicator of every person, once; the ind_ views are its subjects, customer_wide and ftr_customer what
   readers and models see of it. #}

{# all_indicators() -> one row per person and as-of date of the population with the columns of all families:
   what moved is added to what was (0 for a person without rows, null where the table has never delivered), levels
   stand beside it, and all else is made of those. No fact is read. #}
{% macro all_indicators() -%}
    {%- set known = indicator_families() -%}
    {%- set slides = windows_slide() -%}
    {%- set narrow, wide = moves_by_width(known) -%}
    with link as (
        select
            customer_id,
            linked_customer_id
        from {{ state('bridge_identity') }} as identity
    ),

    {{ relinked_persons() if slides }}

    -- A query with one of its own is judged apart, once a row, however many indicators are made of it; `offset 0` would
    -- say so too, and keep it to one worker.
    counted as (
        with apart as (select 1) -- noqa: ST03

        select
            level_holding.as_of_date,
            level_holding.customer_id,
            {%- for family in known.values() if family['aggregate'] == 'level' %}
            {{ family['model'] | replace('ind_', 'level_') }}.{{ family['name'] }},
            {%- endfor %}
            {%- for family in known.values() if family['model'] in moved_subjects() and not is_derived(family) %}
            {%- set delivered_by = family.get('delivered_by', moved_subjects()[family['model']]) %}
            {%- set computed = is_computed(family) and delivered_by in var('delivered') %}
            {%- for name, window in family_columns(family) %}
            {{ family_value(family, name, window, slides) if computed else 'null' }}::{{ family_type(family) }} as {{ name }},
            {%- endfor %}
            {%- endfor %}
            {{ build_id() }} as build_id
        from {{ current('level_holding') }} as level_holding
        inner join {{ current('level_balance') }} as level_balance
            on
                level_holding.customer_id = level_balance.customer_id
                and level_holding.as_of_date = level_balance.as_of_date
        {{ joined_moves(narrow) }}
        {%- if slides %}
        left join {{ previous(this) }} as before
            on
                level_holding.customer_id = before.customer_id
                and level_holding.customer_id not in (select relinked.customer_id from relinked)
        {%- endif %}
        {{ joined_moves(wide) }}
    ),

    averaged as (
        with apart as (select 1) -- noqa: ST03

        select
            {%- for family in known.values() if family['aggregate'] in averages() %}
            {{ derived_columns(family, known) }}
            {%- endfor %}
            {{ kinds_totals(known) }}
            counted.*
        from counted
    )

    {% set indicators -%}
        {%- for family in known.values() %}
        {%- if is_derived(family) and family['aggregate'] not in averages() %}
        {{ derived_columns(family, known) }}
        {%- else %}
        {%- for name, window in family_columns(family) %}
        {{ name }},
        {%- endfor %}
        {%- endif %}
        {%- endfor %}
    {%- endset -%}
    select
        customer_id,
        as_of_date,
        {{ build_columns() }},
        {{ indicators | trim | trim(',') }}
    from averaged
{%- endmacro %}

{# moves_by_width(known) -> two lists of the moved subjects, those of few columns and the others: every join hands on
   what the joins before it found, column by column. The state of the date before is read past what the first ones come
   to, which a hash in memory holds; it would hold neither that state nor all moves. #}
{% macro moves_by_width(known) -%}
    {%- set sized = [] -%}
    {%- for subject in moved_subjects() -%}
        {%- set columns = [] -%}
        {%- for family in known.values() if family['model'] == subject -%}
            {%- do columns.extend(family_columns(family)) -%}
        {%- endfor -%}
        {%- do sized.append((columns | length, subject)) -%}
    {%- endfor -%}
    {%- set narrow, wide = [], [] -%}
    {%- for width, subject in sized | sort -%}
        {%- do (narrow if width < 50 else wide).append(subject) -%}
    {%- endfor -%}
    {{ return((narrow, wide)) }}
{%- endmacro %}

{% macro joined_moves(subjects) -%}
    {%- for subject in subjects %}
        {%- set move = moves_of(subject) %}
        left join {{ current(move) }} as {{ move }}
            on
                level_holding.customer_id = {{ move }}.customer_id
                and level_holding.as_of_date = {{ move }}.as_of_date
    {%- endfor -%}
{%- endmacro %}

{# subject() -> the model's own families, of the table that has them, for every build #}
{% macro subject() -%}
    select {{ subject_columns(model) }}
    from {{ ref(home_of(model.name)) }}
{%- endmacro %}

{% macro subject_columns(node) -%}
        customer_id,
        as_of_date,
        {%- for family in node.config.meta.get('families', []) %}
        {%- for name, window in family_columns(family) %}
        {{ name }},
        {%- endfor %}
        {%- endfor %}
        business_date,
        build_id
{%- endmacro %}

{# home_of('ind_card') -> ind_all: the state that has a subject's columns. The population is small, and asked for often. #}
{% macro home_of(subject) -%}
    {{ return('level_holding' if subject == 'ind_holding' else 'ind_all') }}
{%- endmacro %}

{# wide_columns('feature') -> all indicators that are features, subject by subject, each with a comma behind it; without
   the argument all but the hidden ones #}
{% macro wide_columns(only=none) -%}
    {%- set known = indicator_families() -%}
    {%- for subject in indicator_subjects() %}
    {%- for family in known.values() if family['subject'] == subject and not family.get('hidden') %}
    {%- if only is none or family.get(only) %}
    {%- for name, window in family_columns(family) %}
    {{ name }},
    {%- endfor %}
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
