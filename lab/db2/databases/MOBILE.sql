-- Levels are those of the public 5.0 CR3 list, HOMEPAGE aside. Columns beyond those that facts name are the lab's own: code reads the catalog.
CREATE SCHEMA MOBILE;
CREATE TABLE MOBILE.ROLLER_PROPERTIES (NAME VARCHAR(255) NOT NULL, VALUE CLOB(1M), CONSTRAINT ROLLER_PK PRIMARY KEY (NAME));
INSERT INTO MOBILE.ROLLER_PROPERTIES VALUES ('database.schema.version', '7');
INSERT INTO MOBILE.ROLLER_PROPERTIES VALUES ('site.name', 'Lab');
