{# recent_and_usual('moved', 'moved_date', ['out_count'], ['out_amount']) ->
       out_count_30d: the sum of the last 30 days; usual_out_count_90d: a third of that of the 90 days before those;
       busiest_out_amount_30d: the busiest day of the last 30; usual_busiest_out_amount_90d: that of the 90 before #}
{% macro recent_and_usual(days, day, sums, peaks) -%}
    {%- set recent = 'filter (where ' ~ days ~ '.' ~ day ~ ' > as_of.as_of_date - 30)' -%}
    {%- set before = 'filter (where ' ~ days ~ '.' ~ day ~ ' <= as_of.as_of_date - 30)' -%}
    {%- for name in sums %}
    sum({{ days }}.{{ name }}) {{ recent }}::double precision as {{ name }}_30d,
    round(sum({{ days }}.{{ name }}) {{ before }} / 3.0, 4)::double precision as usual_{{ name }}_90d{{ "," if not loop.last or peaks }}
    {%- endfor -%}
    {%- for name in peaks %}
    max({{ days }}.{{ name }}) {{ recent }}::double precision as busiest_{{ name }}_30d,
    max({{ days }}.{{ name }}) {{ before }}::double precision as usual_busiest_{{ name }}_90d{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# behaviour_goes_on() -> true where the features of a date can be made of those of the date before #}
{% macro behaviour_goes_on() -%}
    {{ return(stands_on_previous() and (var('as_of_dates') or [var('business_date')]) == [var('business_date')]) }}
{%- endmacro %}

{# behaviour_moved('known', ['out_count'], ['out_amount']) -> common table expressions `before`, the features of the date
   before; `edge`, the days that entered or left one of the two windows since; and `moved`, a row per customer that has
   such days: recent_out_count and usual_out_count, what the two sums gained; recent_in_out_amount and
   recent_out_out_amount, the busiest of the days that entered and that left the last 30; usual_in_… and usual_out_… of
   the 90 before #}
{% macro behaviour_moved(days, sums, peaks) -%}
    {%- set before = "date '" ~ var('previous_date') ~ "'" -%}
    {%- set now = business_date() -%}
    before as (
        select *
        from {{ previous(this) }} as features
    ),

    edge as (
        select
            person_id,
            {%- for name in sums %}
            sum({{ name }}) as {{ name }},
            {%- endfor %}
            max(largest_amount) as largest_amount,
            (activity_date > {{ now }} - 30)::integer
            - (activity_date > {{ before }} - 30 and activity_date <= {{ before }})::integer as recent_move,
            (activity_date > {{ now }} - 120 and activity_date <= {{ now }} - 30)::integer
            - (activity_date > {{ before }} - 120 and activity_date <= {{ before }} - 30)::integer as usual_move
        from {{ days }} as known_day
        where
            activity_date > {{ before }}
            or activity_date > {{ before }} - 30 and activity_date <= {{ now }} - 30
            or activity_date > {{ before }} - 120 and activity_date <= {{ now }} - 120
        group by person_id, activity_date
    ),

    moved as (
        select
            person_id as customer_id,
            {%- for window in ['recent', 'usual'] %}
            {%- set last = loop.last %}
            {%- for name in sums %}
            sum({{ name }} * {{ window }}_move) as {{ window }}_{{ name }},
            {%- endfor %}
            {%- for name in peaks %}
            max({{ name }}) filter (where {{ window }}_move = 1)::double precision as {{ window }}_in_{{ name }},
            max({{ name }}) filter (where {{ window }}_move = -1)::double precision as {{ window }}_out_{{ name }}{{ "," if not (last and loop.last) }}
            {%- endfor %}
            {%- endfor %}
        from edge
        group by person_id
    ),
{%- endmacro %}

{# behaviour_anew('known', ['out_amount']) -> common table expressions `anew`, whoever can't go on from the date before,
   and `own_number`, all numbers of theirs: days are found by these, before anything is joined to them #}
{% macro behaviour_anew(days, peaks) -%}
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

        union

        -- The busiest day left a window: another one is, and only all of its days say which.
        select moved.customer_id as person_id
        from moved
        inner join before on moved.customer_id = before.customer_id
        where {{ behaviour_peak_left('moved', 'before', peaks) }}
    ),

    own_number as (
        select anew.person_id as customer_id
        from anew

        union

        select link.customer_id
        from link
        where link.linked_customer_id in (select anew.person_id from anew)
    ),
{%- endmacro %}

{# behaviour_peak_left('moved', 'before', ['out_amount']) -> whether the busiest day of a window left it, and none that
   entered is as busy #}
{% macro behaviour_peak_left(moved, before, peaks) -%}
    {%- for name in peaks %}
    {%- for window, peak in [('recent', 'busiest_' ~ name ~ '_30d'), ('usual', 'usual_busiest_' ~ name ~ '_90d')] %}
    {{ "or " if not (loop.first and name == peaks[0]) }}{{ moved }}.{{ window }}_out_{{ name }} >= {{ before }}.{{ peak }}
    and {{ moved }}.{{ window }}_out_{{ name }} > coalesce({{ moved }}.{{ window }}_in_{{ name }}, 0)
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{# behaviour_slid('before', 'moved', ['out_count'], ['out_amount']) -> the columns of recent_and_usual, from those of the
   date before. A third with four decimals says its sum to the cent. #}
{% macro behaviour_slid(before, moved, sums, peaks) -%}
    {%- for name in sums %}
    {%- set recent, usual = moved ~ '.recent_' ~ name, moved ~ '.usual_' ~ name %}
    coalesce({{ before }}.{{ name }}_30d::numeric + coalesce({{ recent }}, 0), {{ recent }})::double precision as {{ name }}_30d,
    round(
        coalesce(round({{ before }}.usual_{{ name }}_90d::numeric * 3, 2) + coalesce({{ usual }}, 0), {{ usual }}) / 3.0, 4
    )::double precision as usual_{{ name }}_90d,
    {%- endfor -%}
    {%- for name in peaks %}
    greatest({{ before }}.busiest_{{ name }}_30d, {{ moved }}.recent_in_{{ name }}) as busiest_{{ name }}_30d,
    greatest({{ before }}.usual_busiest_{{ name }}_90d, {{ moved }}.usual_in_{{ name }}) as usual_busiest_{{ name }}_90d{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
