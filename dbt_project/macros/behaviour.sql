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
