"""JSON files that users write, read key by key. What is wrong with one is said in a sentence."""
