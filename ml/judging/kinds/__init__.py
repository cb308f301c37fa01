"""How each kind of question is judged: its metrics, its checks, its sections of the model card."""
