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

{# behaviour_slid('before', 'moved', ['out_count'], ['out_amount']) -> the columns of recent_and_usual, from those of the
   date before, and from `reread` where a busiest day left. A third with four decimals says its sum to the cent. #}
{% macro behaviour_slid(before, moved, sums, peaks) -%}
    {%- for name in sums %}
    {%- set recent, usual = moved ~ '.recent_' ~ name, moved ~ '.usual_' ~ name %}
    coalesce({{ before }}.{{ name }}_30d::numeric + coalesce({{ recent }}, 0), {{ recent }})::double precision as {{ name }}_30d,
    round(
        coalesce(round({{ before }}.usual_{{ name }}_90d::numeric * 3, 2) + coalesce({{ usual }}, 0), {{ usual }}) / 3.0, 4
    )::double precision as usual_{{ name }}_90d,
    {%- endfor -%}
    {%- for name in peaks %}
    {%- for peak, window in [('busiest_' ~ name ~ '_30d', 'recent'), ('usual_busiest_' ~ name ~ '_90d', 'usual')] %}
    case
        when left_peak.is_{{ window }} then reread.{{ peak }}
        else greatest({{ before }}.{{ peak }}, {{ moved }}.{{ window }}_in_{{ name }})
    end as {{ peak }}{{ "," if not loop.last }}
    {%- endfor %}{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
