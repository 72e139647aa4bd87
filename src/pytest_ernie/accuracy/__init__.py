"""
Accuracy: questions with one exact answer, asked greedily, each answer kept beside its score.
"""
