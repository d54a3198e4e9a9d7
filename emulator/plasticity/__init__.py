"""The plasticity processor: its arithmetic, random numbers, timers, scheduler, memory and run time.

A chip has two processors, one for each half. They run the rules that change synapses between the steps of a run.
"""
