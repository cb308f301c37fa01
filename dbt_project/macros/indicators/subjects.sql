{# What there is of indicators: subjects, where their events come from, families. #}

{% macro indicator_subjects() -%}
    {{ return(['asset', 'flow', 'transaction', 'card', 'app', 'wealth', 'loan', 'holding', 'service', 'campaign']) }}
{%- endmacro %}

{# Every model of indicators that is counted in the windows of a fact, with the source table that has to deliver for it:
   dbt has to know what a model reads before it knows the families. #}
{% macro moved_subjects() -%}
    {{ return({
        'ind_flow': 'core_banking.balance',
        'ind_transaction': 'core_banking.transaction',
        'ind_card': 'card.card_transaction',
        'ind_session': 'mobile.session',
        'ind_app_event': 'mobile.event',
        'ind_wealth': 'wealth.wealth_order',
        'ind_repayment': 'loan.repayment',
        'ind_interaction': 'contact_centre.call',
        'ind_feedback': 'contact_centre.feedback',
        'ind_survey': 'contact_centre.survey',
        'ind_contact': 'campaign.contact',
        'ind_response': 'campaign.response',
        'ind_lead': 'campaign.lead',
        'ind_opportunity': 'campaign.opportunity',
        'ind_sale': 'campaign.order',
    }) }}
{%- endmacro %}

{# moves_of('ind_card') -> move_card #}
{% macro moves_of(subject) -%}
    {{ return(subject | replace('ind_', 'move_')) }}
{%- endmacro %}

{# indicator_families() -> {'cash_out_amount': {…, 'model': 'ind_transaction'}, …}: the families of all models, known
   while dbt executes #}
{% macro indicator_families() -%}
    {%- set known = {} -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {%- for family in node.config.meta.get('families', []) -%}
                {%- do known.update({family['name']: dict(family, model=node.name)}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(known) }}
{%- endmacro %}
