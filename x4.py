d['own_view']=d.product_view_count_90d*0.2
L=K+['own_view','held_line_count','card_payment_count_90d','subscribe_count_365d']
print('rows',n)
for name,cols,kw in [('lean 15',L+o,dict(learning_rate=.03,num_leaves=15,min_data_in_leaf=100,feature_fraction=.9,lambda_l2=20)),('key 15',K+o[:3],dict(learning_rate=.03,num_leaves=15,min_data_in_leaf=100,feature_fraction=.9,lambda_l2=20)),('lean 31 extra',L+o,dict(learning_rate=.03,num_leaves=15,min_data_in_leaf=60,feature_fraction=.9,lambda_l2=5,extra_trees=True))]:
    X=d[cols].astype(float).values; m,s=fitpred(X,y,tr,va,te,**kw); a=ea(s,P[te]); print(f'{name:25s} n={len(cols)} trees {m.best_iteration} exp auc {a:.4f} share {(a-.5)/(b-.5):.3f} %.0fs'%(time.time()-T0),flush=True)
