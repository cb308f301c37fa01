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
