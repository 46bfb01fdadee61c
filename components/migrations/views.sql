-- Views are not migrated but made anew by every run: they hold no data. `calls` is made beside them, over the journal.

-- Every reading of an input, and the item it became or was found to equal; none where it was refused.
CREATE OR REPLACE VIEW inputs AS
SELECT dataset, source_uri, stamp, item_id, ingested_at AS "at" FROM items
UNION ALL
SELECT dataset, source_uri, stamp, CASE WHEN reason = 'duplicate' THEN item_id END, "at" FROM quarantine
WHERE step IN ('ingest_items', 'items');

-- The items that the inputs stand for now: an edited input is another item, and the one it was is left out (its rows
-- stay). An item that another input still equals stays in: a new first line of a table moves all others by one.
CREATE OR REPLACE VIEW current_items AS
SELECT * FROM items WHERE item_id IN (
    SELECT item_id FROM inputs WHERE item_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY dataset, source_uri ORDER BY "at" DESC, item_id DESC) = 1
);

-- One row per post and judge: what a person reads. Failed readings are counted, never averaged in;
-- a post or a reading that failed first and succeeded later counts as the success. Means and costs are rounded: threads
-- add in any order, and the last bits of a sum must not make two exports of the same rows differ.
CREATE OR REPLACE VIEW judged_posts AS
WITH written AS (
    SELECT * FROM posts
    QUALIFY row_number() OVER (PARTITION BY prompt_id, spec_id, candidate ORDER BY error IS NOT NULL, created_at DESC) = 1
),
readings AS (
    SELECT post_id, spec_id, repeat, aspect, max(score) AS score, max(reasoning) FILTER (score IS NOT NULL) AS reasoning
    FROM judgments GROUP BY ALL
),
aspects AS (
    SELECT post_id, spec_id, aspect, round(avg(score), 6) AS mean, count(*) FILTER (score IS NULL) AS failed,
           arg_min(reasoning, repeat) AS reasoning, count(DISTINCT repeat) AS readings
    FROM readings GROUP BY ALL
),
scores AS (
    SELECT post_id, spec_id AS judge_spec_id, max(readings) AS readings, sum(failed) AS failed_readings,
           map_from_entries(list((aspect, mean) ORDER BY aspect)) AS aspects,
           map_from_entries(list((aspect, reasoning) ORDER BY aspect)) AS reasons,
           CASE WHEN count(*) = count(mean) THEN round(avg(mean), 6) END AS overall
    FROM aspects GROUP BY ALL
),
judging_cost AS (
    SELECT post_id, judge_spec_id, CASE WHEN count(*) = count(cost) THEN round(sum(cost), 9) END AS judge_cost_usd FROM (
        SELECT post_id, spec_id AS judge_spec_id, repeat, CASE WHEN count(*) = count(cost_usd) THEN sum(cost_usd) END AS cost
        FROM judgments GROUP BY ALL
    ) GROUP BY ALL
),
words AS (
    SELECT p.prompt_id, map_from_entries(list((name, texts) ORDER BY name)) AS words FROM (
        SELECT prompt_id, f.name, list(f.text ORDER BY f.rank) AS texts
        FROM (SELECT prompt_id, unnest(words) AS feature_id FROM prompts) w JOIN features f USING (feature_id)
        WHERE f.text IS NOT NULL GROUP BY ALL
    ) p GROUP BY p.prompt_id
)
SELECT po.post_id, i.dataset, i.item_id, i.image_path, i.sha256, i.text AS item_text, i.author, i.published_at,
       pr.prompt_id, pr.template, po.platform, w.words, po.candidate, po.text, po.alt_text, po.rules,
       s.aspects, s.overall, s.reasons, s.readings, s.failed_readings,
       po.cost_usd AS writing_cost_usd, c.judge_cost_usd,
       sg.params->>'$.model' AS writer, sj.params->>'$.model' AS judge, sf.params->>'$.models' AS models,
       po.error, po.error_detail, pr.feature_spec_id, pr.spec_id AS prompt_spec_id, po.spec_id AS generation_spec_id,
       s.judge_spec_id, po.created_at
FROM written po
JOIN prompts pr USING (prompt_id)
JOIN items i USING (item_id)
LEFT JOIN words w USING (prompt_id)
LEFT JOIN scores s USING (post_id)
LEFT JOIN judging_cost c USING (post_id, judge_spec_id)
LEFT JOIN specs sg ON sg.spec_id = po.spec_id
LEFT JOIN specs sj ON sj.spec_id = s.judge_spec_id
LEFT JOIN specs sf ON sf.spec_id = pr.feature_spec_id;

-- Where every word of a post comes from: one row per post and word that was found in its item, told to the writer or
-- not. `reason` says why not: ablated (the prompt spec does without this kind), abstained (below its threshold),
-- outranked (of this kind only the best is told), repeated (another word says the same), not_in_template. `sha256` is
-- that of the picture's bytes, `box` the part of it that was read, (left, top, right, bottom) as shares, found by
-- `box_model` with `box_score`. `score` is in the unit of the word's kind; where that is a probability it is also
-- `probability`. `revision` and `box_revision` are whole: a commit of the hub or a hash over the model's files.
CREATE OR REPLACE VIEW prompt_word_sources AS
WITH kinds(name, word, every_rank, is_label) AS (
    VALUES ('caption', 'caption', false, false), ('topic', 'topic', false, true), ('sentiment', 'sentiment', false, true),
           ('scene', 'scene', false, true), ('keyword', 'keywords', true, false), ('crop_caption', 'details', true, false)
),
shown AS (
    SELECT prompt_id, list(lower(trim(f.text))) AS texts
    FROM (SELECT prompt_id, unnest(words) AS feature_id FROM prompts) JOIN features f USING (feature_id)
    WHERE f.name IN ('caption', 'crop_caption') GROUP BY prompt_id
)
SELECT po.post_id, pr.prompt_id, i.item_id, i.dataset, i.image_path, i.sha256, k.word, f.rank, f.text, f.score,
       CASE WHEN k.is_label THEN f.score END AS probability, f.threshold, f.box,
       crop.text AS box_label, crop.score AS box_score,
       list_contains(pr.words, f.feature_id) AS used,
       CASE WHEN list_contains(pr.words, f.feature_id) THEN NULL
            WHEN NOT coalesce(json_contains(sp.params->'$.words', to_json(k.word)), true) THEN 'ablated'
            WHEN NOT k.every_rank AND f.rank > 0 THEN 'outranked'
            WHEN f.score < f.threshold AND coalesce((sp.params->>'$.abstain')::BOOLEAN, true) THEN 'abstained'
            WHEN k.word = 'details' AND list_contains(shown.texts, lower(trim(f.text))) THEN 'repeated'
            ELSE 'not_in_template' END AS reason,
       f.model,
       coalesce(sf.params->'$.model_set'->>nullif(regexp_extract(f.model, '/([^@/]+)@', 1), ''),
                split_part(f.model, '@', 2)) AS revision,
       crop.model AS box_model,
       coalesce(sf.params->'$.model_set'->>nullif(regexp_extract(crop.model, '/([^@/]+)@', 1), ''),
                split_part(crop.model, '@', 2)) AS box_revision,
       f.feature_id, pr.feature_spec_id, pr.spec_id AS prompt_spec_id, po.spec_id AS generation_spec_id
FROM posts po
JOIN prompts pr USING (prompt_id)
JOIN items i USING (item_id)
JOIN features f ON f.item_id = pr.item_id AND f.spec_id = pr.feature_spec_id
JOIN kinds k USING (name)
LEFT JOIN features crop ON crop.item_id = f.item_id AND crop.spec_id = f.spec_id AND crop.name = 'crop'
    AND crop.rank = f.rank AND f.name = 'crop_caption'
LEFT JOIN shown ON shown.prompt_id = pr.prompt_id
LEFT JOIN specs sp ON sp.spec_id = pr.spec_id
LEFT JOIN specs sf ON sf.spec_id = pr.feature_spec_id;
