"""How a rescue names an incident, which is a matter of monitor_division: by its read model's stored name."""

from hecate.dossiers.desk import Reference

INCIDENT = Reference("incident_id", "incident", "SELECT 1 FROM incidents WHERE incident_id = ?1 AND division_id = ?2")
