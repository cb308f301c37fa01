{# The parts of the macros `moves` and `all_indicators`: how a family is added up, and what its columns are called. #}

{# family_part(family, …) -> sum(measure_1) filter (where filter_2) #}
{% macro family_part(family, measures, filters) -%}
    {%- if family['aggregate'] == 'sum' -%}
        sum(measure_{{ measures.index(family['measure']) + 1 }})
    {%- elif family['aggregate'] == 'count' -%}
        count(*)
    {%- elif family['aggregate'] == 'recency' -%}
        min(age_days)
    {%- else -%}
        {{ exceptions.raise_compiler_error("family " ~ family['name'] ~ ": aggregate " ~ family['aggregate'] ~ " is unknown; use sum, count or recency") }}
    {%- endif -%}
    {%- if family.get('filter') %} filter (where filter_{{ filters.index(family['filter']) + 1 }}){% endif -%}
{%- endmacro %}

{# family_moved(family, 30, 'part_1') -> sum(part_1 * move_30) #}
{% macro family_moved(family, window, part) -%}
    {%- if family['aggregate'] == 'recency' -%}
        min({{ part }}) filter (where move_{{ window }} = 1)
    {%- else -%}
        sum({{ part }} * move_{{ window }})
    {%- endif -%}
{%- endmacro %}

{# family_value(family, 'salary_in_amount_30d', 30, true) -> what it was before, plus what moved #}
{% macro family_value(family, name, window, slides) -%}
    {%- set moved = moves_of(family['model']) ~ '.' ~ name -%}
    {%- set before = 'before.' ~ name -%}
    {%- if family['aggregate'] == 'sum' and slides -%}
        case
            when {{ moved }} is null then coalesce({{ before }}, 0)
            else round((coalesce({{ before }}, 0) + {{ moved }}) * 100) / 100 + 0
        end
    {%- elif family['aggregate'] == 'sum' -%}
        coalesce(round({{ moved }} * 100) / 100 + 0, 0)
    {%- elif family['aggregate'] == 'count' and slides -%}
        coalesce({{ before }} + {{ moved }}, {{ before }}, {{ moved }}, 0)
    {%- elif family['aggregate'] == 'count' -%}
        coalesce({{ moved }}, 0)
    {%- elif slides -%}
        least(
            {{ moved }},
            case
                when {{ before }} + ({{ business_date() }} - date '{{ var('previous_date') }}') < {{ window }}
                    then {{ before }} + ({{ business_date() }} - date '{{ var('previous_date') }}')
            end
        )
    {%- else -%}
        {{ moved }}
    {%- endif -%}
{%- endmacro %}

{# family_type(family) -> integer for what is counted or in days, double precision for everything else #}
{% macro family_type(family) -%}
    {%- set whole = family['aggregate'] in ('count', 'recency') -%}
    {%- set whole = whole or family['aggregate'] == 'level' and family['unit'] in ('pieces', 'days') -%}
    {{ 'integer' if whole else 'double precision' }}
{%- endmacro %}

{# family_columns(family) -> [('salary_in_amount_30d', 30), …]; a level or a recency has no window in its name #}
{% macro family_columns(family) -%}
    {%- set columns = [] -%}
    {%- for window in family['windows'] or [none] -%}
        {%- do columns.append((family_column(family, window), window)) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# family_column(family, 30) -> cash_out_share_30d #}
{% macro family_column(family, window) -%}
    {%- set without = family['aggregate'] == 'recency' or not family['windows'] -%}
    {{ return(family['name'] if without else family['name'] ~ '_' ~ window ~ 'd') }}
{%- endmacro %}

{# is_computed(family) -> whether this build needs it: one for training needs features alone #}
{% macro is_computed(family) -%}
    {{ return(var('build_kind', 'daily') == 'daily' or family.get('feature', false)) }}
{%- endmacro %}
