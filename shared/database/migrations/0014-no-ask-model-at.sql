-- A setting that lived for a day; configurations are read strictly, and one that holds it would not be read at all.
UPDATE tenants SET config = config #- '{guard,askModelAt}' WHERE config -> 'guard' ? 'askModelAt';
