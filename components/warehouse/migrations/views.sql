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

-- One row per prompt, generation spec and candidate: its success where it has one, else its newest failure. `choose` is
-- the spec's; `is_distinct`: it has a text, and no earlier candidate of its prompt says the same (one whose original is
-- in quarantine stands for itself). `to_judge` is what is worth a reading: every distinct candidate or, where CLIP
-- chooses, the one nearest its picture among those within the platform's rules, if any are; without scores the first.
-- Cosines are compared to five digits, as those of captions are: the sixth depends on the machine.
CREATE OR REPLACE VIEW candidates AS
WITH written AS (
    SELECT * FROM posts
    QUALIFY row_number() OVER (PARTITION BY prompt_id, spec_id, candidate ORDER BY error IS NOT NULL, created_at DESC) = 1
),
told AS (
    SELECT w.*, coalesce(s.params->>'$.choose', 'all') AS choose, w.error IS NULL AND o.post_id IS NULL AS is_distinct,
           len(w.rules) = 0 AS within_rules, round(w.clip_score, 5) AS nearness
    FROM written w LEFT JOIN posts o ON o.post_id = w.duplicate_of LEFT JOIN specs s ON s.spec_id = w.spec_id
)
SELECT *, is_distinct AND (choose <> 'clip' OR rank() OVER (
    PARTITION BY prompt_id, spec_id ORDER BY is_distinct DESC, within_rules DESC, nearness DESC NULLS LAST, candidate
) = 1) AS to_judge FROM told;

-- One row per post and judge that read it. Failed readings are counted, never averaged in; a reading that failed first
-- and succeeded later counts as the success. Means are rounded: threads add in any order, and the last bits of a sum
-- must not make two exports of the same rows differ. Lists are sorted when they are whole: that takes half the time of
-- aggregates in an order, and an aspect occurs once in each. Which posts is asked of `judgments` and not of the result,
-- so that a few posts, and those of a range of prompts, cost little. Readings of a post that is not there are no scores of
-- one: the checks of tables tell of them.
CREATE OR REPLACE MACRO post_scores_within(low := '', high := NULL, these := NULL) AS TABLE
WITH readings AS (
    SELECT post_id, spec_id, repeat, aspect, max(score) AS score, max(reasoning) FILTER (score IS NOT NULL) AS reasoning
    FROM judgments
    WHERE post_id IN (
        SELECT post_id FROM posts WHERE prompt_id >= low AND (high IS NULL OR prompt_id < high)
            AND (these IS NULL OR list_contains(these::VARCHAR[], prompt_id))
    )
    GROUP BY ALL
),
aspects AS (
    SELECT post_id, spec_id, aspect, round(avg(score), 6) AS mean, count(*) FILTER (score IS NULL) AS failed,
           arg_min(reasoning, repeat) AS reasoning, count(*) AS readings
    FROM readings GROUP BY ALL
)
SELECT post_id, spec_id AS judge_spec_id, max(readings) AS readings, sum(failed) AS failed_readings,
       map_from_entries(list_sort(list((aspect, mean)))) AS aspects,
       map_from_entries(list_sort(list((aspect, reasoning)))) AS reasons,
       CASE WHEN count(*) = count(mean) THEN round(avg(mean), 6) END AS overall
FROM aspects GROUP BY ALL;

CREATE OR REPLACE VIEW post_scores AS SELECT * FROM post_scores_within();

-- How the candidates of a prompt compare: one row per candidate and judge that read any of its prompt's, with that
-- judge's scores (`is_read`: it read this one), and one row as if none had (judge_spec_id is null). `place` 1 is the
-- best: distinct before duplicates and failures; within the platform's rules before breaking them, since the platform
-- would refuse it; then, where CLIP chooses, the nearest to its picture, else those read without a failure before those
-- with one and those not judged (so that no score is the higher for what it lacks), and of them the highest overall;
-- then the earliest. `chosen_by` says what put the first there: only (no other is distinct), rules (no other keeps
-- them), judge, clip, or first (nothing tells them apart); null where none has a text. `margin`: how far its overall (its
-- cosine) lies above the second's, where that decided. `stands`: the candidate that means count for its prompt; of
-- `choose: all` each that is no duplicate.
-- Parts that are used twice are materialized, and `place` is a rank without ties, no row_number: DuckDB 2.0 and some
-- before it merge equal parts of a query, or rewrite a row_number that is compared with 1, and may lose rows or columns
-- then (duckdb issues 25819 and 23677).
-- `standings_within` is of the prompts from `low` to before `high` and, where they are given, of `these` alone: prompt
-- ids are hashes, so that ranges of them are equal parts, each of which takes the memory of its own posts; and only a
-- list of few goes past the windows to the tables (see questions.parts_of).
CREATE OR REPLACE MACRO standings_within(low := '', high := NULL, these := NULL) AS TABLE
WITH told AS MATERIALIZED (
    SELECT post_id, prompt_id, spec_id, candidate, error, clip_score, choose, is_distinct, within_rules, nearness
    FROM candidates WHERE prompt_id >= low AND (high IS NULL OR prompt_id < high)
        AND (these IS NULL OR list_contains(these::VARCHAR[], prompt_id))
),
scored AS MATERIALIZED (SELECT * FROM post_scores_within(low := low, high := high, these := these)),
judges AS (
    SELECT DISTINCT t.prompt_id, t.spec_id, s.judge_spec_id FROM told t JOIN scored s USING (post_id)
    UNION ALL
    SELECT DISTINCT prompt_id, spec_id, NULL FROM told
),
measured AS (
    SELECT t.*, j.judge_spec_id, s.post_id IS NOT NULL AS is_read, s.readings, s.failed_readings, s.aspects, s.reasons,
           s.overall, CASE WHEN t.choose = 'clip' THEN t.nearness ELSE s.overall END AS measure,
           CASE WHEN t.choose = 'clip' THEN 0 WHEN s.overall IS NULL THEN 2 ELSE (s.failed_readings > 0)::INTEGER END AS gaps
    FROM told t JOIN judges j USING (prompt_id, spec_id)
    LEFT JOIN scored s ON s.post_id = t.post_id AND s.judge_spec_id = j.judge_spec_id
),
placed AS (
    SELECT *, rank() OVER best AS place, count(*) OVER every AS candidates,
           count(*) FILTER (is_distinct) OVER every AS distinct_candidates,
           count(*) FILTER (is_distinct AND within_rules) OVER every AS within,
           count(*) FILTER (error IS NOT NULL) OVER every AS failed,
           count(overall) OVER every AS judged,
           lead((is_distinct, within_rules, gaps)) OVER best AS next_kind, lead(measure) OVER best AS next_measure
    FROM measured
    WINDOW every AS (PARTITION BY prompt_id, spec_id, judge_spec_id),
           best AS (PARTITION BY prompt_id, spec_id, judge_spec_id
                    ORDER BY is_distinct DESC, within_rules DESC, gaps, measure DESC NULLS LAST, candidate)
)
SELECT post_id, prompt_id, spec_id AS generation_spec_id, judge_spec_id, candidate, error, clip_score, choose, place,
       is_distinct,
       CASE WHEN choose = 'all' THEN is_distinct OR error IS NOT NULL ELSE place = 1 END AS stands,
       CASE WHEN place > 1 OR NOT is_distinct THEN NULL
            WHEN distinct_candidates = 1 THEN 'only'
            WHEN within = 1 THEN 'rules'
            WHEN measure IS NULL THEN 'first'
            WHEN choose = 'clip' THEN 'clip' ELSE 'judge' END AS chosen_by,
       CASE WHEN place = 1 AND next_kind = (is_distinct, within_rules, gaps)
            THEN round(measure - next_measure, 6) END AS margin,
       candidates, distinct_candidates, failed, judged, is_read, readings, failed_readings, aspects, reasons, overall
FROM placed;

CREATE OR REPLACE VIEW standings AS SELECT * FROM standings_within();

-- Which post stands for a prompt, by one judge's choice where it had one: the row of `standings` by that judge, and of
-- posts of prompts that it read nothing of, as if nobody had. Everything that needs to know asks here (store.STANDING).
CREATE OR REPLACE MACRO standing_by(judge, low := '', high := NULL, these := NULL) AS TABLE
SELECT * FROM standings_within(low := low, high := high, these := these)
WHERE judge_spec_id = judge OR judge_spec_id IS NULL
QUALIFY rank() OVER (PARTITION BY post_id ORDER BY judge_spec_id IS NULL) = 1;

-- One row per prompt and generation spec, and judge where any has read it: the best of its candidates, why it is that
-- (see standings), and what stands behind it. A prompt without any text has its first failure here.
CREATE OR REPLACE VIEW best_posts AS
SELECT i.dataset, i.item_id, st.prompt_id, st.generation_spec_id, st.judge_spec_id, st.post_id, st.candidate,
       po.platform, po.text, po.alt_text, po.rules, po.temperature, po.seed, st.overall, st.clip_score, st.choose,
       st.chosen_by, st.margin, st.candidates, st.distinct_candidates, st.failed, st.judged, st.error
FROM (
    SELECT *, count(judge_spec_id) OVER (PARTITION BY prompt_id, generation_spec_id) AS judges FROM standings
) st
JOIN posts po USING (post_id)
JOIN prompts p ON p.prompt_id = st.prompt_id
JOIN items i USING (item_id)
WHERE st.place = 1 AND (st.judge_spec_id IS NOT NULL OR st.judges = 0);

-- One row per post and judge that read it, or one without scores: what a person reads. A post that failed first and
-- succeeded later counts as the success. `chosen`: the candidate that stands for its prompt, by this row's judge (of
-- `choose: all` each that is no duplicate).
CREATE OR REPLACE VIEW judged_posts AS
WITH judging_cost AS (
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
),
shown AS (
    SELECT *, count(*) FILTER (is_read) OVER post AS readers,
           bool_or(stands) FILTER (judge_spec_id IS NOT NULL) OVER post AS stands_by_any
    FROM standings WINDOW post AS (PARTITION BY post_id)
)
SELECT po.post_id, i.dataset, i.item_id, i.image_path, i.sha256, i.text AS item_text, i.author, i.published_at,
       pr.prompt_id, pr.template, po.platform, w.words, po.candidate, po.text, po.alt_text, po.rules,
       s.aspects, s.overall, s.reasons, s.readings, s.failed_readings,
       po.cost_usd AS writing_cost_usd, c.judge_cost_usd,
       sg.params->>'$.model' AS writer, sj.params->>'$.model' AS judge, sf.params->>'$.models' AS models,
       po.error, po.error_detail, pr.feature_spec_id, pr.spec_id AS prompt_spec_id, po.spec_id AS generation_spec_id,
       s.judge_spec_id, po.created_at, po.temperature, po.seed, po.duplicate_of, po.clip_score,
       CASE WHEN s.is_read THEN s.stands ELSE coalesce(s.stands_by_any, s.stands) END AS chosen
FROM shown s
JOIN posts po ON po.post_id = s.post_id
JOIN prompts pr ON pr.prompt_id = po.prompt_id
JOIN items i USING (item_id)
LEFT JOIN words w ON w.prompt_id = pr.prompt_id
LEFT JOIN judging_cost c ON c.post_id = s.post_id AND c.judge_spec_id = s.judge_spec_id
LEFT JOIN specs sg ON sg.spec_id = po.spec_id
LEFT JOIN specs sj ON sj.spec_id = s.judge_spec_id
LEFT JOIN specs sf ON sf.spec_id = pr.feature_spec_id
WHERE s.is_read OR (s.judge_spec_id IS NULL AND s.readers = 0);

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
