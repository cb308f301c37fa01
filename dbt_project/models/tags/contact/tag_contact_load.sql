-- Whether the customer should be left in peace now, and how to reach who may be reached.
select
    holding.customer_id,
    case
        when not {{ delivered('campaign.contact') }} then null
        when contact.contact_count_90d = 0 then 'none'
        when contact.contact_count_90d = 1 then 'once'
        else 'several'
    end as contact_frequency,
    case
        when {{ delivered('campaign.contact') }}
            then coalesce(contact.days_since_contact < 14, false) or contact.contact_count_90d >= 2
    end as is_contact_capped,
    case when {{ delivered('contact_centre.complaint') }} then interaction.complaint_count_30d > 0 end
        as has_complaint_hold,
    case when {{ delivered('campaign.response') }} then coalesce(response.days_since_refused < 90, false) end
        as has_refused_lately,
    case
        when customer.status = 'closed' then 'closed'
        when {{ delivered('consent.consent_event') }} and consent.marketing_consent = 'withdrawn' then 'withdrawn'
        when {{ delivered('contact_centre.complaint') }} and interaction.complaint_count_30d > 0 then 'complaint'
        when {{ delivered('campaign.response') }} and response.days_since_refused < 90 then 'refused'
        when {{ delivered('campaign.contact') }} and contact.days_since_contact < 14 then 'resting'
        when {{ delivered('campaign.contact') }} and contact.contact_count_90d >= 2 then 'resting'
        else 'none'
    end as do_not_disturb,
    case
        when not {{ delivered('consent.consent_event') }} then null
        when consent.may_contact_by_manager and holding.days_with_manager is not null then 'manager'
        when consent.may_contact_by_app_push and session.session_count_30d > 0 then 'app_push'
        when consent.may_contact_by_sms and customer.has_mobile then 'sms'
        when consent.may_contact_by_call and customer.has_mobile then 'call'
        when consent.may_contact_by_email and customer.has_email then 'email'
        else 'none'
    end as first_contact_channel,
    case
        when customer.has_mobile and customer.has_email then 'complete'
        when customer.has_mobile then 'mobile_only'
        when customer.has_email then 'email_only'
        else 'none'
    end as contact_data,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
inner join {{ current('dim_customer_current') }} as customer on holding.customer_id = customer.customer_id
inner join {{ current('tag_contact') }} as consent on holding.customer_id = consent.customer_id
inner join {{ current('ind_contact') }} as contact
    on
        holding.customer_id = contact.customer_id
        and holding.as_of_date = contact.as_of_date
inner join {{ current('ind_response') }} as response
    on
        holding.customer_id = response.customer_id
        and holding.as_of_date = response.as_of_date
inner join {{ current('ind_interaction') }} as interaction
    on
        holding.customer_id = interaction.customer_id
        and holding.as_of_date = interaction.as_of_date
inner join {{ current('ind_session') }} as session
    on
        holding.customer_id = session.customer_id
        and holding.as_of_date = session.as_of_date
where holding.as_of_date = {{ business_date() }}
