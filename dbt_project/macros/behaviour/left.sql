{# behaviour_left('known', ['out_amount']) -> common table expressions `anew`, whoever can't go on from the date before;
   `left_peak`, whose busiest day left a window (is_recent, is_usual), so that another one is, which only all days of that
   window say; and `own_number`, all numbers of theirs with the days to be read (after first_day, up to last_day): days are
   found by these, before anything is joined to them #}
{% macro behaviour_left(days, peaks) -%}
    {%- set now = business_date() -%}
    anew as (
        select relinked.customer_id as person_id
        from relinked

        union

        -- A day that was counted already has more now.
        select late.person_id
        from {{ days }} as late
        where late.build_id = {{ build_id() }} and late.activity_date <= date '{{ var('previous_date') }}'

        union

        select population.customer_id as person_id
        from population
        left join before on population.customer_id = before.customer_id
        where before.customer_id is null
    ),

    left_peak as (
        select
            moved.customer_id as person_id,
            {{ behaviour_peak_left('moved', 'before', peaks, 'recent') }} as is_recent,
            {{ behaviour_peak_left('moved', 'before', peaks, 'usual') }} as is_usual
        from moved
        inner join before on moved.customer_id = before.customer_id
    ),

    span as (
        select
            anew.person_id,
            {{ now }} - 120 as first_day,
            {{ now }} as last_day
        from anew

        union all

        select
            left_peak.person_id,
            case when left_peak.is_usual then {{ now }} - 120 else {{ now }} - 30 end as first_day,
            case when left_peak.is_recent then {{ now }} else {{ now }} - 30 end as last_day
        from left_peak
        where left_peak.is_recent or left_peak.is_usual
    ),

    own_number as (
        select
            numbers.customer_id,
            min(numbers.first_day) as first_day,
            max(numbers.last_day) as last_day
        from (
            select
                span.person_id as customer_id,
                span.first_day,
                span.last_day
            from span

            union all

            select
                link.customer_id,
                span.first_day,
                span.last_day
            from link
            inner join span on link.linked_customer_id = span.person_id
        ) as numbers
        group by numbers.customer_id
    ),
{%- endmacro %}

{# behaviour_peak_left('moved', 'before', ['out_amount'], 'recent') -> whether the busiest day of a window left it, and
   none that entered is as busy #}
{% macro behaviour_peak_left(moved, before, peaks, window) -%}
    coalesce(
        {%- for name in peaks %}
        {%- set peak = ('busiest_' ~ name ~ '_30d') if window == 'recent' else ('usual_busiest_' ~ name ~ '_90d') %}
        {{ "or " if not loop.first }}{{ moved }}.{{ window }}_out_{{ name }} >= {{ before }}.{{ peak }}
        and {{ moved }}.{{ window }}_out_{{ name }} > coalesce({{ moved }}.{{ window }}_in_{{ name }}, 0)
        {%- endfor %},
        false
    )
{%- endmacro %}
