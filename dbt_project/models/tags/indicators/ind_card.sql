{{ subject('ind_all') }}
