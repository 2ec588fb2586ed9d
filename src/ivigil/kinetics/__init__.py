"""IgG in this patient: structures, simulation, forecast. Parameters are facts (:mod:`ivigil.knowledge.kinetic_models`)."""
