-- One row per post and measure spec: what was measured of it without a judge, by the names of components/measures/about.yaml.
-- `measured`: name -> value; `labels`: what was read, where that says more; `missing`: name -> why there is no value.
CREATE OR REPLACE VIEW measured_posts AS
SELECT i.dataset, i.item_id, pr.prompt_id, m.post_id, m.spec_id AS measure_spec_id, po.spec_id AS generation_spec_id,
       po.platform, po.text,
       map_from_entries(coalesce(list((m.name, m.value) ORDER BY m.name) FILTER (m.error IS NULL), [])) AS measured,
       map_from_entries(coalesce(list((m.name, m.label) ORDER BY m.name) FILTER (m.label IS NOT NULL), [])) AS labels,
       map_from_entries(coalesce(list((m.name, m.error) ORDER BY m.name) FILTER (m.error IS NOT NULL), [])) AS missing
FROM measures m JOIN posts po USING (post_id) JOIN prompts pr USING (prompt_id) JOIN items i USING (item_id)
GROUP BY ALL;
